// Work that takes its time: each call waits for 200 ms, as if for a picture to be made smaller.
import { setTimeout as wait } from 'node:timers/promises';
import { http } from '@ofn/core';

http('thumbnails', async (req, res) => {
  await wait(200);
  res.set('X-Instance', String(process.pid));
  res.json({ coldStart: req.coldStart });
});
