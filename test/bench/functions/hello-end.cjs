// Answers through Node's own API. Bare node:http and the framework run this same function.
const BODY = 'Hello, World!';
const HEADERS = { 'Content-Type': 'text/html; charset=utf-8', 'Content-Length': BODY.length };

exports.handler = (req, res) => {
  res.writeHead(200, HEADERS);
  res.end(BODY);
};
