/** esbuild's options for the programs, for Node and for the standalone executable. */
import type { BuildOptions, Plugin } from 'esbuild';

/**
 * Replacements for packages that winston loads for very old Nodes, for its own debugging and for
 * colours that the log does not use. They would be a third of the code that a start reads.
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
]);

/**
 * Replacements for modules of which node-zookeeper-client uses so little that the standalone
 * executable should not load them. (Its `connect`, which needs net, is never called.)
 */
const CLIENT_SHIMS = new Map([
  ['net', 'module.exports = {}'],
  ['assert', 'module.exports = (holds, message) => { if (!holds) throw new Error(message) }'],
  // For the order of hosts; it gets only one.
  ['underscore', 'exports.shuffle = (list) => list'],
  [
    'util',
    `exports.inherits = (heir, parent) => Object.setPrototypeOf(heir.prototype, parent.prototype)`,
  ],
]);

/** @param root of the project */
export function shims(root: string): Plugin {
  return {
    name: 'shims',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /./ }, ({ path, importer }) => {
        if (SHIMS.has(path)) return { path, namespace: 'shim' };
        const isClients = importer.includes('/node_modules/node-zookeeper-client/');
        return isClients && CLIENT_SHIMS.has(path) ? { path, namespace: 'client shim' } : undefined;
      });
      const given = (shims: Map<string, string>) => {
        return ({ path }: { path: string }) => {
          return { contents: shims.get(path) ?? '', resolveDir: root };
        };
      };
      onLoad({ filter: /./, namespace: 'shim' }, given(SHIMS));
      onLoad({ filter: /./, namespace: 'client shim' }, given(CLIENT_SHIMS));
    },
  };
}

export function bundleOptions(root: string): BuildOptions {
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
