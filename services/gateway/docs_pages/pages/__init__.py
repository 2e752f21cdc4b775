"""The pages of the gateway as a browser gets them: plain HTML, CSS and JavaScript modules, nothing is built."""
