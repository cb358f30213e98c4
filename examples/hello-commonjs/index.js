// A function in CommonJS, registered under the name "hello".
const { http } = require('@ofn/core');

http('hello', (req, res) => {
  res.type('text').send(`Hello, ${req.query.name ?? 'World'}!\n`);
});
