/** Loaded before a program: throws what nobody foresaw as soon as the file CRASH_AT is there. */
const { existsSync } = require('node:fs');

const timer = setInterval(() => {
  if (existsSync(process.env['CRASH_AT'] ?? '')) throw new Error('nobody foresaw this');
}, 20);
timer.unref();
