/** Plain words: comments, messages, titles of tests and the documents avoid those of WORDS. */
import { extname } from 'node:path';
import { expect, it } from 'vitest';
import { filesBelow, textOf } from './sources.ts';

/** What to write instead. Patterns of whole words, in any case; but not as identifiers. */
const WORDS: readonly (readonly [pattern: string, plain: string])[] = [
  // Not the Unix user of that name.
  ["nobody(?![`'}]| -s| sh| ALL=)|no one", 'no contender, no process, no client'],
  ['somebody|someone', 'a contender, a user, another client'],
  ['whoever|whomever', 'the contender that, the client that'],
  ['anybody|everybody', 'any user, all users'],
  ['onlookers?', 'observer'],
  ['(is|are|was|were|be|been|being) told', 'is notified, receives'],
  ['tells (it|them|us|lockex|systemd|the \\w+)', 'notifies, reports to'],
  ['(is|was|be|not) had', 'acquired, available'],
  ['of (ours|theirs)', 'our own, their own'],
  ['(goes|go|went) by', 'uses, follows'],
  ['folders?', 'directory'],
  ['insist(s|ed|ing|ent)?( on)?', 'retry, require'],
  ['hasten(s|ed|ing)?', 'make faster'],
  ['undying', 'unkillable, still running after SIGKILL'],
  ['brand(s|ed|ing)?', 'mark, limit mark'],
  ['mangled?', 'changed, truncated'],
  ['shall', 'must, has to'],
  ['deeds?', 'action, change'],
  ['lest', 'so that … not'],
  ['anew', 'again'],
  ['the news of', 'the report of, is notified of'],
  ['in vain', 'without success'],
  ['so many (in|of|failures|guards|attempts)', 'this number of, maximum number of'],
  ['(comes?|came) to nothing', 'has no effect, fails'],
  ['is to be|are to be', 'must be, is not … yet'],
];
const PLAIN_WORDS = WORDS.map(([pattern, plain]) => ({
  word: new RegExp(`(?<![\\p{L}\\d_$/-])(${pattern})(?![\\p{L}\\d_])`, 'giu'),
  plain,
}));

/** This file contains the words, and test/messages.txt repeats the sources. */
const EXCEPT = new Set(['test/tidy/language.test.ts', 'test/messages.txt']);
const HASH_COMMENTS = new Set(['.sh', '.pl', '.py']);
const CODE = new Set(['.ts', '.js', '.cjs']);
const PROSE_OF_CODE =
  /\/\*[\s\S]*?\*\/|\/\/.*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`/g;
const PROSE_OF_SCRIPTS = /(?<=^|\s)#.*|'[^'\n]*'|"(?:[^"\\\n]|\\.)*"/gm;
const DIRECTORIES = ['machines', 'src', 'scripts', 'test', 'docs'];
const FILES = [...DIRECTORIES.flatMap(filesBelow), 'README.md', 'CHANGELOG.md'].filter(
  (file) => proseOf(file, '') !== null && !EXCEPT.has(file),
);

/**
 * The text of a file that people read: comments and string literals of code, all of a document;
 * null: other kinds of files. Every other character becomes a blank, so that lines keep their
 * numbers. A regular expression with a quote in it may be taken for a string, which does no harm.
 */
function proseOf(file: string, text: string): string | null {
  const kind = extname(file);
  if (kind === '.md') return text;
  const isHash = HASH_COMMENTS.has(kind);
  if (!isHash && !CODE.has(kind)) return null;
  const pattern = isHash ? PROSE_OF_SCRIPTS : PROSE_OF_CODE;
  let prose = '';
  let end = 0;
  for (const { 0: part, index } of text.matchAll(pattern)) {
    prose += blank(text.slice(end, index)) + part;
    end = index + part.length;
  }
  return prose + blank(text.slice(end));
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}

/** `file:line: 'word' → plain`; a phrase may continue on the next line. */
function problemsIn(file: string, text: string): string[] {
  const prose = (proseOf(file, text) ?? '').replace(/(?<=\n) *(\*|\/\/|#) /g, (mark) =>
    ' '.repeat(mark.length),
  );
  return PLAIN_WORDS.flatMap(({ word, plain }) =>
    [...prose.matchAll(new RegExp(word.source.replaceAll(' ', '\\s+'), word.flags))].map(
      ({ 0: found, index }) => {
        const line = prose.slice(0, index).split('\n').length;
        return `${file}:${line}: '${found.replace(/\s+/g, ' ')}' → ${plain}`;
      },
    ),
  );
}

it.each(FILES)('%s uses plain words', (file) => {
  expect(problemsIn(file, textOf(file))).toEqual([]);
});

it.each([
  ['a.ts', '// Nobody waits.', "a.ts:1: 'Nobody' → no contender, no process, no client"],
  ['a.ts', 'let a;\n/** It\n * is\n * told so. */', "a.ts:3: 'is told' → is notified, receives"],
  ['a.ts', "say('it shall end');", "a.ts:1: 'shall' → must, has to"],
  ['a.sh', 'word=1 # Its folder.', "a.sh:1: 'folder' → directory"],
  ['a.md', 'A mark is\nto be set.', "a.md:1: 'is to be' → must be, is not … yet"],
])('finds the words in %s: %j', (file, text, problem) => {
  expect(problemsIn(file, text)).toEqual([problem]);
});

it.each([
  ['a.ts', 'const brand = shall(nobody);'],
  ['a.ts', "const path = '/var/folder'; // A user-brand and --folder are names."],
  ['a.sh', 'brand=$shall'],
])('ignores identifiers and paths in %s: %s', (file, text) => {
  expect(problemsIn(file, text)).toEqual([]);
});
