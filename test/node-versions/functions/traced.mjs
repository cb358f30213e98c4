// Calls itself, by both clients of Node.js, in and after a span of its own.
import { get } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { currentInvocation, http } from '@ofn/core';

http('inner', (req, res) => res.end());

http('outer', async (req, res) => {
  const to = `http://localhost:${req.socket.localPort}/inner`;
  const { trace } = currentInvocation();
  await trace.span(`work ${req.query.id}`, async () => {
    await setTimeout(Math.random() * 5);
    await (await fetch(to)).text();
  });
  await setTimeout(1);
  get(to, (reply) => reply.resume().on('end', () => res.end()));
});
