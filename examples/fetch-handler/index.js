// Web-standard handlers: an object with a `fetch` method, and a function of one parameter.
import { http } from '@ofn/core';
import { Hono } from 'hono';
import { streamText } from 'hono/streaming';

const app = new Hono().basePath('/books');
app.get('/', (c) => c.json(['Middlemarch', 'Emma']));
app.get('/:title', (c) => c.text(`You asked for ${c.req.param('title')}.\n`));
app.get('/:title/words', (c) =>
  streamText(c, async (stream) => {
    for (const word of ['once', 'upon', 'a', 'time']) await stream.writeln(word);
  }),
);

// The function gets every path below /books; the app routes them.
http('books', { path: '/books{/*rest}' }, app);

http('shout', { methods: ['POST'] }, async (request) => {
  const text = await request.text();
  return new Response(text.toUpperCase() + '\n', { headers: { 'X-Length': `${text.length}` } });
});
