"""The buildpack for sites of files, which the router serves, after a build by Node.js where there is one."""
