// The events of a topic, which the function context names, as a function of this framework.
const { takeOrder } = require('./take-order.cjs');

exports.handler = (ctx, order) => takeOrder(order);
