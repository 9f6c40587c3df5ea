<?php

/*
 * Random questions about versions, one JSON object a line, for semver.php to answer.
 *
 *   php queries.php KIND SEED COUNT
 *
 * KIND is one of `$kinds` below, or `all`. Texts are put together from what versions are made of, then now
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

$kinds = [
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

for ($i = 0; $i < (int) $count; ++$i) {
    $isCalm = false;
    $isCalm = chance(65);
    $op = $kind === 'all' ? pick(array_keys($kinds)) : $kind;
    echo json_encode(['op' => $op, 'in' => $kinds[$op]()], JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_PRESERVE_ZERO_FRACTION), "\n";
}
