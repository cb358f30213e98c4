// What the tests have behind the interceptor: text, JSON, an event stream and a WebSocket.
import { setTimeout as wait } from 'node:timers/promises';
import { http } from '@ofn/core';
import { WebSocketServer } from 'ws';

http('hello', { path: '/hello/:n' }, (req, res) => res.send(`Hello, ${req.params.n}!`));

http('echo', (req, res) => res.json(req.body));

http('events', async (req, res) => {
  res.type('text/event-stream');
  for (let count = 1; count <= 5; count += 1) {
    res.write(`data: ${count}\n\n`);
    await wait(10);
  }
  res.end();
});

const sockets = new WebSocketServer({ noServer: true });

http(
  'chat',
  {
    upgrade(req, socket, head) {
      sockets.handleUpgrade(req, socket, head, (client) => {
        client.on('message', (data) => client.send(data, { binary: false }));
        req.stopping.addEventListener('abort', () => client.close(1001), { once: true });
      });
    },
  },
  (req, res) => res.sendStatus(426),
);
