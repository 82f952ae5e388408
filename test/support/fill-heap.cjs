/** Loaded before a program: fills V8's heap as soon as the file FILL_HEAP_AT is there. */
const { existsSync } = require('node:fs');

const kept = [];
const timer = setInterval(() => {
  if (!existsSync(process.env['FILL_HEAP_AT'] ?? '')) return;
  for (;;) kept.push(new Array(1000).fill(kept.length));
}, 20);
timer.unref();
