"""Tables of direct requests, sent to both servers; adding a case is one line."""
