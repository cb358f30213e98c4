// Bare node:http: node servers/bare.cjs <workload> <port>
const { createServer } = require('node:http');
const [workload, port] = process.argv.slice(2);

function echoJson(req, res) {
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    const text = JSON.stringify(JSON.parse(Buffer.concat(chunks).toString()));
    res.writeHead(200, {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(text),
    });
    res.end(text);
  });
}

const handler = workload === 'echo-json' ? echoJson : require('../functions/hello-end.cjs').handler;
createServer({ keepAliveTimeout: 5000 }, handler).listen(Number(port));
