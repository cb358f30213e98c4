// The same answer as hello-send, as a function of Knative's runtime gives it.
exports.handle = () => ({
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: 'Hello, World!',
});
