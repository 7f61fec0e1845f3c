// Writes the SQL that takes migrations/ to what src/store/tables.ts says; `--check` fails when there is any to write.
// Migrations are append only: a released one is never edited. `--name WORDS` names the new file.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const migrations = join(root, 'migrations');
const kit = join(root, 'node_modules', 'drizzle-kit', 'bin.cjs');

function generate(folder: string, name: string): void {
  // drizzle-kit wants the folder relative to where it runs.
  const options = {
    dialect: 'sqlite',
    schema: 'src/store/tables.ts',
    out: relative(root, folder),
    casing: 'snake_case',
    name,
  };
  const flags = Object.entries(options).map(([option, value]) => `--${option}=${value}`);
  execFileSync(process.execPath, [kit, 'generate', ...flags], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
}

const sqlFiles = (folder: string) => readdirSync(folder).filter((file) => file.endsWith('.sql'));

if (process.argv.includes('--check')) {
  const copy = mkdtempSync(join(tmpdir(), 'espalier-migrations-'));
  try {
    cpSync(migrations, copy, { recursive: true });
    generate(copy, 'drift');
    const drifted = sqlFiles(copy).length !== sqlFiles(migrations).length;
    if (drifted)
      console.error('migrations/ lags behind src/store/tables.ts. Run: node --import tsx scripts/gen-migrations.ts --name WORDS');
    process.exitCode = drifted ? 1 : 0;
  } finally {
    rmSync(copy, { recursive: true });
  }
} else {
  const name = process.argv[process.argv.indexOf('--name') + 1];
  generate(migrations, process.argv.includes('--name') && name ? name : 'change');
}
