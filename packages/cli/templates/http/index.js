import { http } from '@ofn/core';

http('my-function', (req, res) => {
  const { name = 'World' } = req.query;
  req.log.info({ name }, 'greeting');
  res.type('text').send(`Hello, ${name}!\n`);
});
