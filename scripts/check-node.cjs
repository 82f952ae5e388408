/**
 * Exits with one line and status 125 if this Node is too old, before it has to parse newer syntax.
 * So it is written in ES5. The scripts in package.json preload it (`node -r`); the build puts it at
 * the top of each installed program, with the version instead of the `require`.
 */
(function checkNode() {
  'use strict';
  var required = require('../package.json').engines.node.replace('>=', '');
  var actual = process.version.replace('v', '');
  if (compare(actual.split('.'), required.split('.')) >= 0) return;
  // biome-ignore lint/style/useTemplate: template literals are not ES5
  process.stderr.write('lockex requires Node ≥ ' + required + '; this is ' + actual + '\n');
  process.exit(125);

  /** @param {string[]} one @param {string[]} other @returns {number} like a comparator's */
  function compare(one, other) {
    var difference = parseInt(String(one[0]), 10) - parseInt(String(other[0]), 10);
    return difference === 0 && other.length > 1
      ? compare(one.slice(1), other.slice(1))
      : difference;
  }
})();
