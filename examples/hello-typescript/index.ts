// TypeScript that Node.js runs itself: it strips the types, and there is no build step.
import { http } from '@ofn/core';

interface Greeting {
  name?: string;
}

http<Greeting | undefined>('hello', { methods: ['GET', 'POST'] }, (req, res) => {
  const name: string = req.body?.name ?? 'World';
  res.type('text').send(`Hello, ${name}!\n`);
});
