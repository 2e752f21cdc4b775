"""Generated queries on one data set, asked of both servers."""
