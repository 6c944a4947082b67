import { readFileSync } from "node:fs";
import { distance } from "fastest-levenshtein";
import { messageOf } from "./error-message.ts";

/** Variables by name, as a process has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the settings are read from. */
export interface PreparedEnvironment {
  /** The variables, with what stands in the files of secrets as if it had been given there. */
  readonly values: Environment;
  /** What is wrong with the names, and with the files. */
  readonly faults: readonly string[];
}

/** The names of all settings, and of those that can also be read from the file that <name>_FILE names. */
interface SettingNames {
  readonly settings: readonly string[];
  readonly secrets: readonly string[];
}

/**
 * Reads the files that secrets are in, and looks for names that are nearly a setting's.
 * @param namesChecked whether somebody has looked at the names already
 */
export function prepareEnvironment(
  env: Environment,
  names: SettingNames,
  { namesChecked }: { readonly namesChecked: boolean },
): PreparedEnvironment {
  const values = { ...env };
  const faults: string[] = [];
  for (const name of names.secrets) {
    const fileName = `${name}_FILE`;
    if (!isGiven(env, fileName)) continue;
    if (isGiven(env, name)) faults.push(`${fileName} and ${name} are both set: one of them has to go`);
    else {
      try {
        values[name] = readFileSync((env[fileName] ?? "").trim(), "utf8");
        if (!isGiven(values, name)) faults.push(`${fileName} names a file that is empty`);
      } catch (error) {
        faults.push(`${fileName} can't be read: ${messageOf(error)}`);
      }
    }
  }
  return { values, faults: namesChecked ? faults : [...faults, ...findMisspelt(env, names)] };
}

/** Whether a variable is set: blank counts as not. */
export function isGiven(env: Environment, name: string): boolean {
  return (env[name] ?? "").trim() !== "";
}

/** In names of up to so many letters none may be off, in longer ones one more for each further letter. */
const shortLengthMax = 6;
const misspeltLettersMax = 2;

/**
 * Finds names that are meant to be a setting's, as far as that can be told where settings have no prefix of their own: they
 * differ in case or underscores, or longer ones in a letter or two, from a setting that is not set, itself or by its file.
 */
function findMisspelt(env: Environment, { settings, secrets }: SettingNames): readonly string[] {
  const each = settings.map((name) => (secrets.includes(name) ? [name, `${name}_FILE`] : [name]));
  const known = each.flat();
  const notSet = each.filter((names) => !names.some((name) => isGiven(env, name))).flat();
  return Object.keys(env).flatMap((name) => {
    if (!isGiven(env, name) || known.includes(name)) return [];
    const meant = notSet.find((setting) => isMisspelling(name, setting));
    return meant === undefined ? [] : [`${name} is no setting: ${meant} is`];
  });
}

/** Of short names one letter off is another word: LINES, which shells set, is not LANES. */
function isMisspelling(name: string, setting: string): boolean {
  if (lettersOf(name) === lettersOf(setting)) return true;
  const lettersMax = Math.min(misspeltLettersMax, setting.length - shortLengthMax);
  return distance(name.toUpperCase(), setting) <= lettersMax;
}

function lettersOf(name: string): string {
  return name.toUpperCase().replaceAll(/[_-]/g, "");
}
