// host/*/index.ts → build/types/**/*.d.ts, what TypeScript users of the package see.

import ts from 'typescript';
import { Complaint } from './complaint.js';

/** Writes the declarations of the entries and of what they import. */
export function emitDeclarations(entries: string[]): void {
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile('tsconfig.json', (path) => ts.sys.readFile(path)).config,
    ts.sys,
    '.',
  );
  const program = ts.createProgram(entries, {
    ...options,
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    stripInternal: true,
    outDir: 'build/types',
  });
  const [first] = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
  if (!first) return;
  const text = ts.flattenDiagnosticMessageText(first.messageText, ' ');
  if (!first.file) throw new Complaint(`tsconfig.json: ${text}`);
  const { line } = first.file.getLineAndCharacterOfPosition(first.start ?? 0);
  throw new Complaint(`${first.file.fileName}:${line + 1}: ${text}`);
}
