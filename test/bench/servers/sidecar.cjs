// Answers as a sidecar would, as far as sending and state ask: node servers/sidecar.cjs <port>
// `GET /last` tells the last request that came before it.
const { createServer } = require('node:http');
const { ORDER } = require('../order.cjs');
const [port] = process.argv.slice(2);

let last;

function answer(request, body, response) {
  const { method, url, headers } = request;
  if (url === '/last') {
    response.end(JSON.stringify(last));
    return;
  }
  last = { method, url, headers, body };
  const isRead = method === 'GET' && url.startsWith('/v1.0/state/');
  if (url === '/v1.0/metadata') response.end('{}');
  else if (isRead) {
    const length = Buffer.byteLength(ORDER);
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Content-Length': length,
      Etag: '1',
    });
    response.end(ORDER);
  } else response.writeHead(204).end();
}

createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => answer(request, Buffer.concat(chunks).toString(), response));
}).listen(Number(port), '127.0.0.1');
