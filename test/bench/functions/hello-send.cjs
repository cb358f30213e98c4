// Answers through Express's API, for the frameworks that offer it.
exports.handler = (req, res) => {
  res.send('Hello, World!');
};
