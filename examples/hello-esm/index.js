// A plain export: `--target hello` picks it. It needs no import of the framework.

/** @type {import('@ofn/core').HttpHandler} */
export const hello = (req, res) => {
  res.type('text').send(`Hello, ${req.query.name ?? 'World'}!\n`);
};
