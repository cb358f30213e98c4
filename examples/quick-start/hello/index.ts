// Greets over HTTP, and tells the topic `greetings` of it.
import { openfunction } from '@ofn/core';

openfunction('hello', async (ctx) => {
  const { name = 'World' } = ctx.req?.query ?? {};
  await ctx.send({ name }, 'greetings');
  return `Hello, ${String(name)}!\n`;
});
