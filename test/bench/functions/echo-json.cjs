// Answers with the JSON that came in, for the frameworks that offer Express's API.
exports.handler = (req, res) => {
  res.json(req.body);
};
