/**
 * The scripts of the gate, the guard and the init are files, embedded as text by the build and by
 * the test runner (scripts/build/embedded-scripts.ts), without their comments.
 */
declare module '*.sh' {
  const text: string;
  export default text;
}

declare module '*.pl' {
  const text: string;
  export default text;
}

declare module '*.py' {
  const text: string;
  export default text;
}
