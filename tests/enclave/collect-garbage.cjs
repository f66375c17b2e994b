// Preloaded into a process of a test. On SIGUSR2 it collects all its garbage and tells whoever started it; on SIGWINCH it first
// keeps a copy of what its newest event held, as a leak would.
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');
const { readFileSync } = require('node:fs');
const { setImmediate } = require('node:timers');

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
const leaked = [];

process.on('SIGUSR2', () => {
  // What finalizers let go of is garbage only afterwards.
  collect();
  setImmediate(() => {
    collect();
    process.send?.({ isCollected: true });
  });
});

process.on('SIGWINCH', () => {
  leaked.push(readFileSync(process.env.PROTEGO_TEST_LEAK, 'utf8').split('\n'));
  process.send?.({ leaked: leaked.length });
});
