import type { RunControl } from '@protego/replay';

/**
 * Lets a person at a terminal halt a run and let it go on (`p`), or end it (`q`, Ctrl-C); a signal to end does so anywhere. Returns
 * what gives terminal and signals back.
 */
export function followKeys(control: RunControl, say: (text: string) => void): () => void {
  const cancel = (): void => control.cancel();
  process.once('SIGINT', cancel);
  process.once('SIGTERM', cancel);
  const { stdin } = process;
  const isInteractive = stdin.isTTY && process.stderr.isTTY;
  const press = (key: Buffer): void => {
    const name = key.toString('latin1');
    if (name === 'q' || name === '\u0003') control.cancel();
    else if (name === 'p' && control.isPaused) control.resume();
    else if (name === 'p') {
      control.pause();
      say('halted; p goes on, q ends');
    }
  };
  if (isInteractive) stdin.setRawMode(true).on('data', press).resume();
  return () => {
    process.removeListener('SIGINT', cancel);
    process.removeListener('SIGTERM', cancel);
    if (isInteractive) stdin.setRawMode(false).off('data', press).pause();
  };
}
