'use strict';
// Lets a plain `node --require` process load this repository's TypeScript, for tests that need a process to kill.
const { readFileSync } = require('node:fs');
const { join, resolve } = require('node:path');
const Module = require('node:module');
const { transformSync } = require('@swc/core');

const root = resolve(__dirname, '../../../..');

require.extensions['.ts'] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), {
    filename,
    sourceMaps: 'inline',
    module: { type: 'commonjs' },
    jsc: { target: 'es2022', parser: { syntax: 'typescript', decorators: true } },
  });
  module._compile(code, filename);
};

const original = Module._resolveFilename;
Module._resolveFilename = function (request, ...rest) {
  const match = /^@protego\/([^/]+)(\/testing)?$/.exec(request);
  const door = match === null ? '' : `${match[1] === 'streams' ? 'streams' : `libs/${match[1]}`}/src${match[2] ?? ''}`;
  const mapped = match === null ? request : join(root, door);
  return original.call(this, mapped, ...rest);
};
