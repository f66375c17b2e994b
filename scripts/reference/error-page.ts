import { ERROR_CODES, type ErrorOrigin } from '@protego/contracts';
import { GENERATED, code, table } from './markdown';

const WHO: Readonly<Record<ErrorOrigin, string>> = {
  caller: 'you, in what you sent or asked',
  environment: 'whoever runs the machine',
  internal: 'the makers of Protego',
};

/** `errors.md`: every stable error code, who can mend it, whether to try again and what to do. */
export function errorPage(): string {
  const rows = Object.entries(ERROR_CODES).map(([name, { origin, retry, help }]) => [
    code(name),
    WHO[origin],
    retry === 'no' ? 'no' : 'yes, with growing pauses',
    help,
  ]);
  return `${GENERATED}

# Errors

A failure crosses a process border as \`{"code", "message", "help", "details"}\`: in the body of an HTTP answer, in a NATS
reply, in a line of a rejects file. The code is stable and never changes its meaning. The message is for people and may
change; \`details\` says where it happened.

${table(['Code', 'Who can mend it', 'Try the same again', 'What to do'], rows)}`;
}
