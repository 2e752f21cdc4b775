"""The files of the pages as browsers get them: HTML, CSS and JavaScript modules, without a build."""
