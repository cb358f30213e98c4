// The parts of Express that functions use, without its application: the request and response
// prototypes, its router, and the form parser it uses. Express exports the prototypes only together
// with the whole framework, which costs twice as much to load; hence these deep imports, of a pinned
// version. The build bundles this file by itself; each part is loaded when it is first needed.
module.exports = {
  get request() {
    return require('express/lib/request');
  },
  get response() {
    return require('express/lib/response');
  },
  get createRouter() {
    return require('router');
  },
  get parseForm() {
    return require('qs').parse;
  },
};
