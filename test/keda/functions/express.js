// What stands behind the interceptor without the framework: Express and ws, as their READMEs set them up.
import { createServer } from 'node:http';
import express from 'express';
import { WebSocketServer } from 'ws';

const app = express();
app.get('/readyz', (req, res) => res.end());
app.get('/hello/:n', (req, res) => res.send(`Hello, ${req.params.n}!`));
app.post('/echo', express.json(), (req, res) => res.json(req.body));
app.get('/events', (req, res) => {
  res.type('text/event-stream');
  let count = 0;
  const timer = setInterval(() => {
    count += 1;
    res.write(`data: ${count}\n\n`);
    if (count < 5) return;
    clearInterval(timer);
    res.end();
  }, 10);
});

const server = createServer(app);
new WebSocketServer({ server, path: '/chat' }).on('connection', (socket) => {
  socket.on('message', (data) => socket.send(data, { binary: false }));
});
// Scaled down from the default of 5 s, so that a test need not wait for it.
if (process.env.KEEP_ALIVE_MS) server.keepAliveTimeout = Number(process.env.KEEP_ALIVE_MS);
server.keepAliveTimeoutBuffer = 0;
server.listen(process.env.PORT);
