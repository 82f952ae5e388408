/** Preloaded into a program: throws an unexpected exception when the file CRASH_AT exists. */
const { existsSync } = require('node:fs');

const timer = setInterval(() => {
  if (existsSync(process.env['CRASH_AT'] ?? '')) throw new Error('unexpected exception');
}, 20);
timer.unref();
