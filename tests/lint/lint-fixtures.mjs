// Lints texts as if they were files of this repository: JSON [{ path, text, typed }] on stdin, JSON [[ruleId, …], …] on stdout.
// It is a process of its own because Jest cannot load the ES modules that ESLint's configuration consists of.
import { text as readAll } from 'node:stream/consumers';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';

const fixtures = JSON.parse(await readAll(process.stdin));
const typed = new ESLint();
// A virtual file belongs to no TypeScript project, so rules that need types cannot run on it.
const untyped = new ESLint({ overrideConfig: [tseslint.configs.disableTypeChecked] });
const found = [];
for (const { path, text, isTyped } of fixtures) {
  const [result] = await (isTyped ? typed : untyped).lintText(text, { filePath: path });
  found.push(result.messages.map(({ ruleId, message }) => ruleId ?? message));
}
console.log(JSON.stringify(found));
