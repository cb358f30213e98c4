// Express: node servers/express.cjs <workload> <port>
const express = require('express');
const [workload, port] = process.argv.slice(2);

const app = express();
app.disable('etag');
app.disable('x-powered-by');
if (workload === 'echo-json') {
  app.post('/', express.json(), require('../functions/echo-json.cjs').handler);
} else {
  app.get('/', require('../functions/hello-send.cjs').handler);
}
app.listen(Number(port)).keepAliveTimeout = 5000;
