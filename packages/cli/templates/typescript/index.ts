import { http } from '@ofn/core';

interface Greeting {
  name?: string;
}

http<Greeting | undefined>('my-function', { methods: ['GET', 'POST'] }, (req, res) => {
  const name = req.body?.name ?? 'World';
  req.log.info({ name }, 'greeting');
  res.type('text').send(`Hello, ${name}!\n`);
});
