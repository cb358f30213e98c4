// pino by itself, so that the build can bundle it into a file that is loaded by the first log line.
module.exports = require('pino');
