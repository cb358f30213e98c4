// What is done with an event, by whoever receives it: all hand over the same order.
exports.takeOrder = async (order) => {
  // An exit, since not every server tells of a handler that throws.
  if (order?.id !== 4711 || order.items.length !== 8) process.exit(1);
};
