/** How programs are bundled, for Node and for the standalone executable. */

/**
 * What winston brings for Nodes of long ago, for its own debugging and for colours that the log
 * doesn't take from it, and what node-zookeeper-client takes nothing of: a third of what a start
 * would read, for nothing.
 */
const SHIMS = new Map([
  [
    'winston',
    `exports.createLogger = require("winston/lib/winston/create-logger");
    exports.format = { printf: require("logform/printf") };
    exports.transports = { Stream: require("winston/lib/winston/transports/stream") };`,
  ],
  ['readable-stream', 'module.exports = require("node:stream")'],
  ['readable-stream/lib/_stream_writable.js', 'module.exports = require("node:stream").Writable'],
  ['@dabh/diagnostics', 'module.exports = () => () => {}'],
  ['@colors/colors/safe', 'module.exports = {}'],
  ['underscore', 'export { default as shuffle } from "underscore/modules/shuffle.js"'],
]);

/** @param {string} root of the project @returns {import('esbuild').Plugin} */
export function shims(root) {
  return {
    name: 'shims',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /./ }, ({ path }) =>
        SHIMS.has(path) ? { path, namespace: 'shim' } : undefined,
      );
      onLoad({ filter: /./, namespace: 'shim' }, ({ path }) => ({
        contents: SHIMS.get(path) ?? '',
        resolveDir: root,
      }));
    },
  };
}

/** @param {string} root @returns {import('esbuild').BuildOptions} */
export function bundleOptions(root) {
  return {
    absWorkingDir: root,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'warning',
  };
}
