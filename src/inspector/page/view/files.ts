/** Saves a run to a file, and opens one. */
import type { Run } from '../run.ts';
import { MAX_FILE_BYTES, nameOfFile, runOfText, textOfRun } from '../saved-run.ts';
import { byId, element } from './dom.ts';

export function saveRun(run: Run): void {
  const blob = new Blob([textOfRun(run, Date.now())], { type: 'application/json' });
  const href = URL.createObjectURL(blob);
  element('a', { href, download: nameOfFile(run) }).click();
  // After the download has started.
  setTimeout(() => URL.revokeObjectURL(href), 1000);
}

export interface FileListener {
  readonly onRun: (run: Run, fileName: string) => void;
  /** With one line for the user. */
  readonly onProblem: (message: string) => void;
}

/** By the button, or by dropping a file on the page. */
export function acceptFiles({ onRun, onProblem }: FileListener): void {
  const open = async (file: File | undefined) => {
    if (file === undefined) return;
    try {
      if (file.size > MAX_FILE_BYTES) throw new Error('the file is larger than 20 MB');
      onRun(runOfText(await file.text()), file.name);
    } catch (error) {
      onProblem(`could not open ${file.name}: ${(error as Error).message}`);
    }
  };
  const input = byId('file') as HTMLInputElement;
  byId('open').addEventListener('click', () => input.click());
  input.addEventListener('change', async () => {
    await open(input.files?.[0]);
    // The same file can be opened again.
    input.value = '';
  });
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('drop', (event) => {
    event.preventDefault();
    void open(event.dataTransfer?.files[0]);
  });
}
