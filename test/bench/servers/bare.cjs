// Bare node:http: node servers/bare.cjs <workload> <port>
const { createServer } = require('node:http');
const { takeOrder } = require('../functions/take-order.cjs');
const [workload, port] = process.argv.slice(2);

function readJson(req, take) {
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => take(JSON.parse(Buffer.concat(chunks).toString())));
}

function sendJson(res, type, value) {
  const text = JSON.stringify(value);
  res.writeHead(200, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) });
  res.end(text);
}

const handlers = {
  'echo-json': (req, res) => {
    readJson(req, (value) => sendJson(res, 'application/json; charset=utf-8', value));
  },
  'event-http': (req, res) => {
    readJson(req, async (event) => {
      await takeOrder(event.data);
      sendJson(res, 'application/json', { status: 'SUCCESS' });
    });
  },
};

const handler = handlers[workload] ?? require('../functions/hello-end.cjs').handler;
createServer({ keepAliveTimeout: 5000 }, handler).listen(Number(port));
