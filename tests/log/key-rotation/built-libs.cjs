'use strict';
// Lets a process that a test starts use the built libraries under the names that the sources use.
const Module = require('node:module');
const { join, resolve } = require('node:path');

const LIBS = resolve(__dirname, '../../../dist/libs');

const original = Module._resolveFilename;
Module._resolveFilename = function (request, ...rest) {
  const match = /^@protego\/([^/]+)$/.exec(request);
  return original.call(this, match === null ? request : join(LIBS, match[1], 'src'), ...rest);
};
