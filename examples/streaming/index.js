// A response that is sent piece by piece, and a request that is read piece by piece.
import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { http } from '@ofn/core';

http('countdown', { methods: ['GET'] }, async (req, res) => {
  res.type('text/event-stream').set('Cache-Control', 'no-store');
  let count = Number(req.query.from ?? 3);
  try {
    for (; count > 0; count -= 1) {
      res.write(`data: ${count}\n\n`);
      await wait(200, undefined, { signal: req.signal });
    }
    res.end('data: lift-off\n\n');
  } catch (error) {
    if (!req.signal.aborted) throw error;
    req.log.info({ count }, 'the client left');
  }
});

// `body: 'stream'` leaves the request unread: a chunk at a time is in memory, and no body limit holds.
http('upload', { methods: ['POST', 'PUT'], body: 'stream' }, async (req, res) => {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of req) {
      bytes += chunk.length;
      hash.update(chunk);
    }
    res.json({ bytes, sha256: hash.digest('hex') });
  } catch (error) {
    if (!req.signal.aborted) throw error;
    req.log.info({ bytes }, 'the upload was cut off');
  }
});
