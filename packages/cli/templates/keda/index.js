import { http } from '@ofn/core';

// It has no instance until a request comes; the first one waits for it to start.
http('my-function', (req, res) => {
  res.json({ hello: req.query.name ?? 'World', coldStart: req.coldStart });
});
