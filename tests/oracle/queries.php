<?php

/*
 * Random questions about versions, one JSON object a line, for semver.php to answer.
 *
 *   php queries.php KIND SEED COUNT
 *
 * KIND is one of `$kinds` below, or `all`, or `picked` for those that were picked by hand. Texts are put together from what versions are made of, then now
 * and then damaged; the same seed gives the same questions.
 */

declare(strict_types=1);

[, $kind, $seed, $count] = $argv;
mt_srand((int) $seed);

/** Two questions in three are calm ones, near to what people write, so that enough of them have an answer. */
$isCalm = false;

function is_calm(): bool
{
    return $GLOBALS['isCalm'];
}

function chance(int $percent): bool
{
    return mt_rand(1, 100) <= $percent;
}

function pick(array $choices): mixed
{
    return $choices[mt_rand(0, count($choices) - 1)];
}

function number(): string
{
    if (is_calm()) {
        return (string) pick([0, 0, 0, 1, 1, 2, 3, 9, 10, 12]);
    }

    return (string) pick([0, 0, 1, 1, 2, 3, 9, 10, 19, 99, '00', '01', '007', mt_rand(0, 200), 2023, 20230115, 99999, 123456, 9999999]);
}

function modifier(): string
{
    if (is_calm()) {
        return pick(['-', '-', '', '.', '_']) . pick(['beta', 'b', 'RC', 'rc', 'alpha', 'a', 'patch', 'pl', 'p', 'stable', 'BETA', 'dev', 'dev']) . pick(['', '', '1', '2', '.3', '-1', '10']) . pick(['', '', '', '-dev']);
    }
    $text = pick(['', '-', '-', '.', '_', '--', '-.']);
    $text .= pick(['stable', 'Stable', 'beta', 'b', 'RC', 'rc', 'alpha', 'a', 'patch', 'pl', 'p', 'Beta', 'A', 'PL', '', '', 'x', 'foo']);
    for ($i = mt_rand(0, 2); $i > 0; --$i) {
        $text .= pick(['', '.', '-', '_']) . number();
    }

    return $text . pick(['', '', '', '-dev', '.dev', 'dev', 'DEV', '_dev', '.x-dev']);
}

function date_text(): string
{
    $text = pick(['', 'v']) . sprintf('%04d', mt_rand(1990, 2030));
    for ($i = mt_rand(0, 7); $i > 0; --$i) {
        $text .= pick(['', '.', '-', ':', '.']) . sprintf('%02d', mt_rand(0, 59));
    }
    for ($i = mt_rand(0, 3); $i > 0; --$i) {
        $text .= pick(['', '.', '-', ':']) . mt_rand(0, 1200);
    }

    return $text;
}

function branch_text(): string
{
    if (chance(40)) {
        $text = pick(['', '', 'v', 'V']) . number();
        for ($i = mt_rand(0, 4); $i > 0; --$i) {
            $text .= '.' . pick([number(), 'x', 'X', '*', 'x']);
        }

        return $text;
    }

    return pick(['main', 'master', 'trunk', 'default', 'dev', 'feature/a', 'foo-bar', 'a_b', '1.0-fix', 'release-1', 'x', 'foo#bar', 'a,b', 'a b', 'dev-x', 'FOO', 'a|b', '~a', 'é', 'v1.99999999', 'a@dev', 'a+b', '^1', '#x', 'gh-pages', '1.x.y', '-', '=a', 'x#', 'a@b#c', 'foo-dev', 'Dev-a']);
}

function plain_version(): string
{
    if (chance(12)) {
        return date_text() . (chance(40) ? modifier() : '');
    }
    if (chance(15)) {
        return pick(['dev-', 'dev-', 'Dev-', '']) . branch_text() . pick(['', '', '-dev', '.x-dev']);
    }
    $text = pick(['', '', '', 'v', 'V']) . number();
    for ($i = mt_rand(0, is_calm() ? 3 : 4); $i > 0; --$i) {
        $text .= '.' . (chance(is_calm() ? 97 : 90) ? number() : pick(['x', '*', 'X']));
    }
    if (chance(is_calm() ? 25 : 50)) {
        $text .= modifier();
    }

    return $text;
}

function version(): string
{
    $text = plain_version();
    if (chance(is_calm() ? 4 : 15)) {
        $text .= pick(['+build', '+a.b-1', '+', '+a b', '#abc', '#', '#a#b', '@dev', '@RC', '@beta', '@Stable', '@stable', '@x', ' as 1.0', ' as ' . plain_version(), '  as  2', '+a+b', '#a@b']);
    }

    return damage($text);
}

/** A change of one or two characters, most often none. */
function damage(string $text): string
{
    $junk = [' ', '  ', "\n", "\t", ',', '|', '-', '.', '+', '@', '#', 'x', '*', '~', '^', '=', '<', '>', '0', '9', 'dev', 'as', ' as ', "\f", "\r", "\v", "\0", 'é', '/', '_', 'v', ':', '-dev'];
    for ($i = chance(is_calm() ? 3 : 20) ? mt_rand(1, 2) : 0; $i > 0; --$i) {
        $characters = preg_split('//u', $text, -1, PREG_SPLIT_NO_EMPTY);
        $at = mt_rand(0, count($characters));
        array_splice($characters, $at, chance(40) ? 1 : 0, chance(80) ? [pick($junk)] : []);
        $text = implode('', $characters);
    }

    return $text;
}

function constraint_part(): string
{
    $form = mt_rand(1, 100);
    if ($form <= 20) {
        return '^' . version();
    }
    if ($form <= 38) {
        return pick(is_calm() ? ['~'] : ['~', '~', '~', '~>']) . version();
    }
    if ($form <= 50) {
        return pick(['', '', 'v', 'V']) . number() . (chance(50) ? '.' . number() : '') . (chance(30) ? '.' . number() : '') . pick(['.*', '.x', '.X', '.*.*', '.x.x', '.*']) . (chance(10) ? '@dev' : '');
    }
    if ($form <= 62) {
        return version() . pick(is_calm() ? [' - ', '  -  '] : [' - ', ' - ', '  -  ', ' -', '- ', '-']) . version();
    }
    if ($form <= 67) {
        return pick(['*', 'x', 'X', '@dev', '@stable', '@RC', 'v*', '*.*', 'x.x', '', '*@beta', 'V.x', '**', 'vx.*', '@']);
    }
    if ($form <= 72) {
        return pick(['dev-main#abc', 'dev-main', '1.x-dev#abc', 'dev-a/b#c', 'foo-dev', 'dev-#a', 'dev-#a#b', 'dev-main as 1.0', 'dev-main#a as 1.0.x-dev', '1.x-dev as 1.0', 'dev-a@dev', 'Dev-x#y', '1.X-DEV#y', '.x-dev#a', '1.x-dev#a#b', 'dev-a##']);
    }

    return pick(['', '>', '>=', '<', '<=', '=', '==', '!=', '<>', is_calm() ? '' : '=>', is_calm() ? '' : '=<', '>=', '<', '>']) . pick(['', '', ' ', '  ']) . version() . (chance(12) ? pick(['@dev', '@RC', '@rc', '@beta', '@Stable', '@stable', '@alpha']) : '');
}

function constraint(): string
{
    $text = constraint_part();
    for ($i = chance(is_calm() ? 30 : 45) ? mt_rand(1, is_calm() ? 2 : 3) : 0; $i > 0; --$i) {
        $text .= pick(is_calm() ? ['||', ' || ', ' ', ',', ', ', ' | '] : ['||', '|', ' || ', ' | ', ' ', ',', ', ', ' , ', '  ', ' ,', '|||', ' ||', ',,', "\n|| "]) . constraint_part();
    }
    if (chance(6)) {
        $low = mt_rand(0, 3);
        $text = '^' . $low . ' || ^' . ($low + 1) . pick(['', ' || ^' . ($low + 2), '.0 || ' . $text]);
    }

    return damage($text);
}

/** A text that normalizes, mostly. */
function normalized(): string
{
    if (chance(12)) {
        return 'dev-' . branch_text();
    }
    if (chance(10)) {
        return str_replace(['-', ':', 'v'], ['.', '.', ''], date_text());
    }
    $text = implode('.', [number(), number(), pick(['0', number(), '9999999']), pick(['0', '0', number(), '9999999'])]);
    if (chance(45)) {
        $text .= '-' . pick(['alpha', 'beta', 'RC', 'patch', 'stable']) . pick(['', number(), number() . '.' . number(), number() . '-' . number()]);
    }

    return $text . pick(['', '', '', '-dev']);
}

/** Something near the numbers of a constraint, so that both answers come up. */
function near(string $constraint): string
{
    if (chance(60) && preg_match_all('/\d+/', $constraint, $found)) {
        $numbers = array_slice($found[0], 0, 4);
        if (chance(50)) {
            $at = mt_rand(0, count($numbers) - 1);
            $numbers[$at] = (string) max(0, (int) substr($numbers[$at], 0, 9) + mt_rand(-1, 1));
        }

        return implode('.', array_pad($numbers, 4, '0')) . (chance(30) ? '-' . pick(['dev', 'alpha1', 'beta', 'RC2', 'patch1']) : '');
    }

    return normalized();
}

function name(): string
{
    $part = static function (): string {
        $text = pick(['a', 'acme', '0', 'foo', 'Con', 'nul', 'lpt1', 'x9', 'Abc']);
        for ($i = mt_rand(0, 2); $i > 0; --$i) {
            $text .= pick(['-', '--', '.', '_', '', '---', '._', '__']) . pick(['b', 'bar', '1', 'json', 'C', '']);
        }

        return $text;
    };

    return damage(chance(96) ? $part() . '/' . $part() . (chance(8) ? '.json' : '') : pick(['acme', '/', 'a/', '/a', 'a/b/c', '']));
}

function glob_text(string $name): string
{
    $characters = str_split($name);
    foreach ($characters as $at => $character) {
        if (chance(20)) {
            $characters[$at] = pick(['*', '*', '', strtoupper($character)]);
        }
    }

    return implode('', $characters) ?: '*';
}

/** @return array<string, string> */
function aliases(string $version): array
{
    $list = [];
    for ($i = mt_rand(0, 2); $i > 0; --$i) {
        $source = chance(65) ? pick([$version, strtoupper($version)]) : pick(['dev-main', 'dev-x', '1.x-dev', '1.2.x-dev', '2.x-dev', '0']);
        $list['k' . $source] = pick(['1.x-dev', '1.2.x-dev', '2.0-dev', '2.0.x-dev', '9999999-dev', 'foo-dev', '1.0', 'dev-foo', '1.2.3.4-dev', 'v1.x-dev', '-dev', '1.*-dev', '1.2.3.4.5-dev', '1.x-DEV', damage('1.x-dev')]);
    }
    // A leading letter kept PHP from making numbers of the keys meanwhile.
    $aliases = [];
    foreach ($list as $source => $target) {
        $aliases[substr($source, 1)] = $target;
    }

    return $aliases;
}

/** JSON that PHP gives back as it was: no empty objects, no lists with gaps. */
function json(int $depth): mixed
{
    $form = mt_rand(1, $depth > 0 ? 9 : 6);
    if ($form <= 6) {
        return [null, true, false, mt_rand(0, 2), mt_rand(0, 2) + 0.0, pick(['', 'a', 'b'])][$form - 1];
    }
    $keys = $form <= 8 ? pick([['x'], ['x', 'y'], ['y', 'x'], ['x', 'y', 'z']]) : range(0, mt_rand(0, 2));
    $value = [];
    foreach ($keys as $key) {
        $value[$key] = json($depth - 1);
    }

    return $value;
}

/** @return list<array<string, mixed>> */
function versions(bool $isMinified): array
{
    $keys = ['name', 'version', 'require', 'type', 'extra', 'abandoned'];
    $list = [];
    for ($i = mt_rand(1, 5); $i > 0; --$i) {
        $entry = $list !== [] && chance(60) ? $list[count($list) - 1] : [];
        foreach ($keys as $key) {
            if (chance(35)) {
                $entry[$key] = $isMinified && chance(40) ? '__unset' : json(2);
            } elseif (chance(15)) {
                unset($entry[$key]);
            }
        }
        if (chance(15)) {
            shuffle($keys);
            $entry = array_replace(array_intersect_key(array_flip($keys), $entry), $entry);
        }
        $list[] = $entry;
    }

    return $list;
}

/** A value that may stand anywhere, mostly of a wrong kind. */
function odd_value(): mixed
{
    return pick([null, true, false, 0, 1, 1.5, '', '0', 'no such', 'Self.Version', [], ['x'], [1], ['a' => 'b'], ['x' => 1], [['x']], [null]]);
}

/** @return array<string, mixed> */
function links(): array
{
    $links = [];
    for ($i = mt_rand(0, 4); $i > 0; --$i) {
        $constraint = chance(70) ? pick(['^1.0', '*', '>=8.1', '~2.3', '1.x-dev', 'dev-main', 'self.version', '^1.0 || ^2.0', '@dev']) : (chance(70) ? constraint() : odd_value());
        $links[pick(['a/b', 'A/B', 'acme/lib', 'Acme/Lib', 'php', 'ext-JSON', 'z/y', 'z-a/y', 'z/y-b', 'c/d', 'x'])] = $constraint;
    }

    return $links;
}

/** The text of a composer.json. */
function manifest_text(?string $version, ?string $branch): string
{
    if (chance(3)) {
        return pick(['', '{', '[]', '{}', 'null', '""', '0', "\u{feff}{\"name\":\"acme/lib\"}", '{"name":"acme/lib",}', "{\"a\":\"\t\"}", ' ', '"x"', 'true']);
    }
    $values = [
        'name' => fn() => pick(['acme/lib', 'acme/lib', 'Acme/Lib', 'acme/other', '']),
        'description' => fn() => pick(['A library', '0', '', 'größe 🎉', "two\nlines", '__x']),
        'keywords' => fn() => pick([['b', 'a'], ['php', 'PHP', 'Php'], ['10', '9', '100'], ['x' => 'b', 'y' => 'a'], [1, true, null, 'z'], 'a', [], ['é', 'e', 'z'], [['a']], ['a b', 'a-b', 'a']]),
        'homepage' => fn() => pick(['https://example.org', '', '0', 'x']),
        'license' => fn() => pick(['MIT', ['MIT'], ['MIT', 'GPL-2.0-only'], '(MIT or GPL-2.0-only)', '', [], 5, true, ['a' => 'MIT'], '0']),
        'authors' => fn() => pick([[['name' => 'A', 'email' => 'a@b.c']], [], ['name' => 'A'], 'A', [['name' => 'ü', 'role' => null]]]),
        'type' => fn() => pick(['library', 'Composer-Plugin', 'project', '', 'ÄÖ']),
        'support' => fn() => pick([['issues' => 'https://a.b'], ['source' => 'https://c.d'], [], 'x', ['email' => null], ['x']]),
        'funding' => fn() => pick([[['type' => 'github', 'url' => 'https://a.b']], [], 'x', ['type' => 'x']]),
        'php-ext' => fn() => pick([['extension-name' => 'x', 'configure-options' => [['name' => 'a', 'description' => 'b']]], [], ['priority' => 80]]),
        'time' => fn() => pick(['2020-01-01', '2020-01-01 10:00', '2020-01-01T10:00:00+02:00', 1577836800, '1577836800', '', 0, '0', '2020-02-30', '2020-1-2 3:04:05', '2020-13-01', '2019-12-31T23:59:59.999Z', null, [], '@-5', '2020/05/06', '2020-01-01 10:00:00 UTC', '2020-01-01T10:00:00-0330', '@1.5', '20200101']),
        'autoload' => fn() => pick([['psr-4' => ['A\\' => 'src/']], ['psr-4' => []], ['files' => ['a.php']], [], ['classmap' => ['x', 'y'], 'exclude-from-classmap' => ['z']]]),
        'autoload-dev' => fn() => pick([['psr-4' => ['A\\Tests\\' => 'tests/']], []]),
        'extra' => fn() => pick([['x' => 1.0, 'y' => ['z' => []]], ['branch-alias' => aliases($branch ?? '1.x-dev')], ['branch-alias' => aliases($branch ?? 'dev-main')], [], 'x', ['a', 'b'], ['branch-alias' => 'x'], ['big' => 9007199254740993, 'f' => 0.1]]),
        'target-dir' => fn() => pick(['a/b', '/a', '../a', 'a/../b', './a/./b', 'a//b', '..', 'a\\..\\b', 'a..b', '...', '/', '', 'a/..', './../x', '..a/b..', '//.//a']),
        'include-path' => fn() => pick([['lib/'], [], ['a' => 'b']]),
        'bin' => fn() => pick(['bin/x', '/bin/x', ['bin/x', '//bin/y'], [], '', ['a' => 'b'], ['x', 1]]),
        'require' => fn() => links(),
        'require-dev' => fn() => links(),
        'conflict' => fn() => links(),
        'provide' => fn() => links(),
        'replace' => fn() => links(),
        'suggest' => fn() => pick([['z/y' => 'why', 'a/b' => 'self.version'], [], ['b', 'a'], ['A/b' => ' self.version ', 'ext-x' => ''], ['a/b' => 1], 'x']),
        'abandoned' => fn() => pick([true, false, 'acme/new', '', '0', 1, ['x'], null, 0]),
        'archive' => fn() => pick([['exclude' => ['/tests']], ['name' => 'x', 'exclude' => ['a' => '!b'], 'other' => 1], ['name' => ''], [], 'x', ['name' => 1], ['exclude' => 'x'], ['name' => '0', 'exclude' => []]]),
        'scripts' => fn() => pick([['test' => 'phpunit'], ['test' => ['a', 'b'], 'x' => null], [], ['a', ['b']], 'x', ['test' => ['x' => ['y']]], ['n' => 1, 't' => true]]),
        'config' => fn() => ['sort-packages' => true],
        'minimum-stability' => fn() => pick(['dev', 'stable', 5]),
        'repositories' => fn() => [['type' => 'vcs', 'url' => 'https://a.b']],
        'transport-options' => fn() => ['http' => ['x' => 'y']],
        'installation-source' => fn() => pick(['dist', 'source', 'x']),
        'notification-url' => fn() => pick(['', null]),
        'published-time' => fn() => pick(['2020-01-01T00:00:00+00:00', 5, []]),
        'default-branch' => fn() => pick([true, false, 'true', 1]),
        'version' => fn() => chance(70) ? ($version ?? version()) . pick(['', '', '-dev']) : pick([version(), 1, 1.5, true, false, [], '1.0.0', null]),
        'version_normalized' => fn() => pick(['9.9.9.9', 1]),
        'source' => fn() => pick([null, ['type' => 'git', 'url' => 'https://a.b'], 'x', [], ['type' => 1, 'url' => 'x', 'reference' => 'y'], ['type' => 'git', 'url' => 'x', 'reference' => []], false]),
        'dist' => fn() => pick([null, ['type' => 'zip'], 'x', [], ['type' => 1, 'url' => 'x'], ['type' => 'zip', 'url' => 'x', 'shasum' => 1], ['type' => 'zip', 'url' => 'x', 'mirrors' => 'x'], true]),
        'x-unknown' => fn() => json(3),
        'readme' => fn() => 'README.md',
        '_comment' => fn() => ['Größe', 'x/y', "\u{2028}"],
        '5' => fn() => 'five',
    ];
    $rare = ['time', 'target-dir', 'include-path', 'version', 'version_normalized', 'source', 'dist', 'published-time', 'default-branch', 'minimum-stability', 'transport-options', 'repositories', 'installation-source', 'notification-url', '5', 'name'];
    $keys = array_map('strval', array_keys($values));
    shuffle($keys);
    $manifest = chance(80) ? ['name' => 'acme/lib'] : [];
    foreach ($keys as $key) {
        if (chance(in_array($key, $rare, true) ? 8 : 22)) {
            $manifest[$key] = chance(is_calm() ? 1 : 8) ? odd_value() : $values[$key]();
        }
    }
    $flags = JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION | pick([0, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE, JSON_PRETTY_PRINT]);
    $text = json_encode((object) $manifest, $flags);

    // PHP writes each empty array as a list; people write objects.
    return chance(30) ? str_replace('[]', '{}', $text) : $text;
}

/** @return array{string, string, string} text, ref and kind of ref */
function document(): array
{
    if (chance(60)) {
        $tag = pick(['', 'v', 'release-']) . (chance(85) ? mt_rand(0, 3) . '.' . mt_rand(0, 9) . pick(['', '.0', '.1', '.2-beta1', '-RC2', '.3+build']) : version());

        return [manifest_text($tag, null), $tag, 'tag'];
    }
    $branch = chance(85) ? pick(['main', '1.x', 'v2', '2.0', 'feature/x', 'fix#1', 'x@y']) : branch_text();

    return [manifest_text(null, pick(["dev-$branch", "$branch.x-dev", "$branch-dev"])), $branch, pick(['branch', 'default'])];
}

/** A name that git takes for a ref. */
function ref_name(string $name): string
{
    $name = preg_replace('{[\\x00-\\x20~^:?*\\[\\\\\x7f]}', '', $name);
    $name = preg_replace(['{\.\.+}', '{@\{}', '{/+\.*}', '{(\.lock)+(/|$)}', '{\.+$}'], ['.', '@', '/', '$2', ''], $name);
    $name = preg_replace('{/+}', '/', trim($name, '/.-'));

    return $name === '' || $name === '@' || $name === 'HEAD' || strlen($name) > 200 ? 'x' : $name;
}

/** What a commit holds: the text of a composer.json, or none. `$name` is forced upon it, unless null. */
function commit_text(?string $tag, ?string $branch, ?string $name): ?string
{
    if (chance(4)) {
        return null;
    }
    $text = manifest_text($tag, $branch);
    $manifest = json_decode($text, true);
    if (!is_array($manifest)) {
        return $text;
    }
    // Composer ends over a version that is an array.
    if (is_array($manifest['version'] ?? null)) {
        return '{"name":"acme/lib"}';
    }
    if ($name !== null) {
        $manifest['name'] = $name;

        return json_encode($manifest, JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION);
    }

    return $text;
}

/**
 * One or two states of a git repository, the second with other branches and more tags.
 *
 * @return list<array{default: string, refs: list<array{name: string, text: ?string}>}>
 */
function repository(): array
{
    $spelled = chance(10) ? 'Acme/Lib' : 'acme/lib';
    $isBroken = chance(10);
    $name = $isBroken ? 'acme/lib' : null;
    $taken = [];
    $fits = static function (string $ref, string $number) use (&$taken): bool {
        foreach ($taken as $other => $known) {
            // Git keeps no ref inside of another, and two branches of one number are one version that nobody could tell apart.
            if (str_starts_with("$other/", "$ref/") || str_starts_with("$ref/", "$other/") || ($number === $known)) {
                return false;
            }
        }
        $taken[$ref] = $number;

        return true;
    };
    $defaults = ['main', 'master', '1.x', 'v2', 'develop', '2.0'];
    shuffle($defaults);
    $tags = [];
    for ($i = mt_rand(0, 7); $i > 0; --$i) {
        $tag = chance(75) ? pick(['', 'v', 'V', 'release-']) . mt_rand(0, 2) . '.' . mt_rand(0, 2) . pick(['', '.0', '.0.0', '-beta1', '-RC', '+b', '-dev', '.x', '-p1']) : ref_name(version());
        // `1.01` and `1.1` are one version to Composer, and two to us.
        $tag = preg_replace('{(?<!\d)0+(?=\d)}', '', $tag);
        if ($fits("refs/tags/$tag", "refs/tags/$tag")) {
            $tags[] = ['name' => "refs/tags/$tag", 'text' => commit_text($tag, null, $name)];
        }
    }
    $branches = static function (string $default) use (&$taken, $fits, $name): array {
        $taken = array_filter($taken, static fn($ref) => str_starts_with($ref, 'refs/tags/'), ARRAY_FILTER_USE_KEY);
        $number = static fn($branch) => strtolower(preg_replace(['{^v(?=\d)}i', '{(\.[x*]|\.9999999)+$}i'], '', $branch));
        $fits("refs/heads/$default", $number($default));
        $found = [];
        for ($i = mt_rand(0, 5); $i > 0; --$i) {
            $branch = ref_name(chance(60) ? pick(['main', '1', '1.x', 'v3.x', '2.1.x', '3.0', 'feature/a', 'feature/b-1', 'fix#3', 'a,b', 'x@y', 'dev-x', 'größe', '1.2.3.4', '1.2.3.4.5', 'v', '9999999']) : branch_text());
            if ($fits("refs/heads/$branch", $number($branch))) {
                $found[] = ['name' => "refs/heads/$branch", 'text' => commit_text(null, pick(["dev-$branch", "$branch.x-dev"]), $name)];
            }
        }

        return $found;
    };
    $root = ['name' => $spelled, 'description' => 'Root', 'extra' => ['branch-alias' => ["dev-{$defaults[0]}" => '3.x-dev']]];
    $states = [['default' => $defaults[0], 'refs' => [...$tags, ['name' => "refs/heads/{$defaults[0]}", 'text' => json_encode($root)], ...$branches($defaults[0])]]];
    if ($isBroken || chance(50)) {
        $default = $defaults[mt_rand(0, 1)];
        for ($i = mt_rand(0, 2); $i > 0; --$i) {
            $tags[] = ['name' => "refs/tags/7.$i.0", 'text' => commit_text("7.$i.0", null, $name)];
        }
        $text = pick([null, '{', '[]', '']);
        if (!$isBroken) {
            $text = json_encode(['name' => $spelled] + (array) json_decode((string) commit_text(null, "dev-$default", 'x'), true), JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION);
        }
        $states[] = ['default' => $default, 'refs' => [...$tags, ['name' => "refs/heads/$default", 'text' => $text], ...$branches($default)]];
    }
    foreach ($states as &$state) {
        foreach ($state['refs'] as &$ref) {
            // Some refs lead to the same commit.
            if (count($states) === 1 && chance(6) && $ref['name'] !== "refs/heads/{$state['default']}") {
                $ref = ['name' => $ref['name'], 'same' => "refs/heads/{$state['default']}"];
            }
        }
    }

    return $states;
}

/** A FUNDING.yml, or near to one. */
function funding_text(): string
{
    $account = static fn() => damage(pick(['acme', 'acme/lib', "'acme'", '"acme"', 'https://a.b/pay', 'http://a.b:80/x', 'a.org', 'a-b.io', 'x.info', '//a.b', 'mailto:a@b.c', 'http:///x', 'a:b', 'a:80', 'http://a:b', 'http://u:p@h/', 'npm/x', 'https://github.com/acme/', '', '/', 'http://[::1]:8', 'file:///a', 'a?b:c', '//a:1', 'http://h:', 'http://:80', '[x', 'é.fr', 'x/y:12', ':80', 'a b.c']));
    $lines = [];
    for ($i = mt_rand(1, 6); $i > 0; --$i) {
        $kind = pick(['github', 'patreon', 'open_collective', 'ko_fi', 'tidelift', 'community_bridge', 'liberapay', 'issuehunt', 'lfx_crowdfunding', 'polar', 'buy_me_a_coffee', 'thanks_dev', 'otechie', 'custom', 'custom', 'custom', 'Other', '']);
        $comment = pick(['', '', '', ' # why', '#x', '  #', ' #a #b', ' # a, b']);
        $form = mt_rand(1, 10);
        if ($form <= 4) {
            $lines[] = $kind . pick([': ', ':', ' : ', ":\t"]) . $account() . $comment;
        } elseif ($form <= 7) {
            $items = [];
            for ($j = mt_rand(0, 3); $j > 0; --$j) {
                $items[] = $account();
            }
            $lines[] = "$kind: [" . implode(pick([', ', ',', ' , ']), $items) . ']' . $comment;
        } elseif ($form <= 9) {
            $lines[] = $kind . pick([': [', ':', ': #', ': [ ']) . pick(['', '', ' ']);
            for ($j = mt_rand(0, 3); $j > 0; --$j) {
                $lines[] = pick(['  ', '', "\t"]) . pick(['- ', '-', '']) . $account() . pick(['', ',', ',']) . $comment;
            }
            $lines[] = pick([']', ' ] ', '']);
        } else {
            $lines[] = pick(['# comment', '', '---', $account(), $comment]);
        }
    }

    // PHP's basename has a mind of its own about control characters.
    return str_replace(["\f", "\v", "\0"], '', implode(pick(["\n", "\n", "\r\n"]), $lines));
}

$kinds = [
    'funding' => fn() => [funding_text()],
    'repository' => fn() => repository(),
    'document' => fn() => document(),
    'normalize' => fn() => [version()],
    'branch' => fn() => [damage(branch_text())],
    'stability' => fn() => [chance(50) ? version() : normalized()],
    'prefix' => fn() => [damage(branch_text() . pick(['-dev', '.x-dev', '']))],
    'compare' => fn() => chance(70) ? [normalized(), normalized()] : [damage(version()), damage(version())],
    'constraint' => fn() => [constraint()],
    'matches' => function () {
        $constraint = constraint();

        return [$constraint, chance(20) && preg_match('/dev-[^\s,|@#]+/', $constraint, $found) ? $found[0] : near($constraint)];
    },
    'name' => fn() => [name()],
    'glob' => function () {
        $name = strtolower(pick(['acme/tools', 'acme/big-tools', 'a/b', 'foo.bar/x_y']));

        return [glob_text($name), $name];
    },
    'alias' => function () {
        $version = pick(['dev-main', '1.x-dev', '1.2.x-dev', 'v1.x-dev', '1.0.0', 'dev-1.x', 'DEV-main', '2.0.x-dev']);

        return [$version, (object) aliases($version), chance(50)];
    },
    'tag' => function () {
        $tag = pick(['', '', '', 'release-', 'v']) . version();

        return [$tag, chance(70) ? null : (chance(60) ? $tag . pick(['', '-dev', '.dev', 'dev', '.0']) : version())];
    },
    'ref-branch' => function () {
        $branch = damage(branch_text());

        return [$branch, (object) aliases(pick(["dev-$branch", "$branch.x-dev", "$branch-dev"])), chance(50)];
    },
    'minify' => fn() => [versions(false)],
    'expand' => fn() => [versions(true)],
];

if ($kind === 'picked') {
    foreach (file(__DIR__ . '/picked/versions.jsonl') as $line) {
        $text = json_decode($line, true, 2, JSON_THROW_ON_ERROR);
        foreach ([['normalize', [$text]], ['stability', [$text]], ['branch', [$text]], ['prefix', [$text]], ['tag', [$text, null]]] as [$op, $in]) {
            echo json_encode(['op' => $op, 'in' => $in], JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE), "\n";
        }
    }
    exit;
}

for ($i = 0; $i < (int) $count; ++$i) {
    $isCalm = false;
    $isCalm = chance(65);
    $op = $kind === 'all' ? pick(array_keys($kinds)) : $kind;
    echo json_encode(['op' => $op, 'in' => $kinds[$op]()], JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_PRESERVE_ZERO_FRACTION), "\n";
}
