<?php

/*
 * Composer's own answers to questions about versions, for the tables in tests/fixtures/composer/.
 *
 *   php queries.php all 1 4000 | php semver.php /usr/share/php/Composer/autoload.php [FILE…]
 *
 * Reads one JSON object a line, {"op": …, "in": […]}, and writes it again with the answer in "out"; null means that
 * Composer refuses the input. FILEs are loaded before the classes, for what they need of a later PHP.
 */

declare(strict_types=1);

use Composer\Config;
use Composer\IO\NullIO;
use Composer\MetadataMinifier\MetadataMinifier;
use Composer\Package\BasePackage;
use Composer\Package\Loader\ArrayLoader;
use Composer\Package\Loader\ValidatingArrayLoader;
use Composer\Package\Version\VersionParser;
use Composer\Repository\Vcs\VcsDriverInterface;
use Composer\Repository\VcsRepository;
use Composer\Semver\Constraint\Constraint;
use Composer\Util\HttpDownloader;

error_reporting(E_ALL & ~E_DEPRECATED);
foreach (array_reverse(array_slice($argv, 1)) as $file) {
    require_once $file;
}

require_once __DIR__ . '/documents.php';

/** A git host with one tag or one branch, to watch what Composer's repository makes of it. */
final class OneRefDriver implements VcsDriverInterface
{
    /** @var array{tags: array<string>, branches: array<string>, root: string, manifest: array<mixed>} */
    public static array $host;

    public function __construct() {}
    public function initialize(): void {}
    public function getComposerInformation(string $identifier): ?array { return self::$host['manifest']; }
    public function getFileContent(string $file, string $identifier): ?string { return null; }
    public function getChangeDate(string $identifier): ?\DateTimeImmutable { return null; }
    public function getRootIdentifier(): string { return self::$host['root']; }
    public function getBranches(): array { return array_fill_keys(self::$host['branches'], 'c0ffee'); }
    public function getTags(): array { return array_fill_keys(self::$host['tags'], 'c0ffee'); }
    public function getDist(string $identifier): ?array { return null; }
    public function getSource(string $identifier): array { return ['type' => 'git', 'url' => 'https://example.org/a.git', 'reference' => 'c0ffee']; }
    public function getUrl(): string { return 'https://example.org/a.git'; }
    public function hasComposerFile(string $identifier): bool { return true; }
    public function cleanup(): void {}
    public static function supports(\Composer\IO\IOInterface $io, Config $config, string $url, bool $deep = false): bool { return true; }
}

/** @return array{string, string, ?string}|null pretty version, normalized version and normalized alias */
function scan(array $host): ?array
{
    OneRefDriver::$host = $host;
    $io = new NullIO();
    $config = new Config(false);
    $repository = new VcsRepository(['url' => 'https://example.org/a.git', 'type' => 'vcs'], $io, $config, new HttpDownloader($io, $config), null, null, ['fake' => OneRefDriver::class]);
    try {
        $packages = $repository->getPackages();
    } catch (\Composer\Repository\InvalidRepositoryException $exception) {
        return null;
    }
    $answer = null;
    foreach ($packages as $package) {
        if ($package instanceof \Composer\Package\AliasPackage) {
            $answer[2] = $package->getVersion();
            continue;
        }
        $answer = [$package->getPrettyVersion(), $package->getVersion(), $answer[2] ?? null];
    }

    return $answer;
}

/** @return mixed the answer; an exception means null */
function answer(string $op, array $in): mixed
{
    static $parser = new VersionParser();
    switch ($op) {
        case 'normalize':
            return $parser->normalize($in[0]);
        case 'branch':
            return $parser->normalizeBranch($in[0]);
        case 'stability':
            return VersionParser::parseStability($in[0]);
        case 'prefix':
            return $parser->parseNumericAliasPrefix($in[0]) ?: null;
        case 'compare':
            return version_compare($in[0], $in[1]);
        case 'constraint':
            return (string) (new \Composer\Semver\VersionParser())->parseConstraints($in[0]);
        case 'matches':
            return (new \Composer\Semver\VersionParser())->parseConstraints($in[0])->matches(new Constraint('==', $in[1]));
        case 'name':
            return ValidatingArrayLoader::hasPackageNamingError($in[0]) === null;
        case 'glob':
            return preg_match(BasePackage::packageNameToRegexp($in[0]), $in[1]) === 1;
        case 'alias':
            return (new ArrayLoader())->getBranchAlias(['version' => $in[0], 'extra' => ['branch-alias' => $in[1]], 'default-branch' => $in[2]]);
        case 'tag':
            $manifest = ['name' => 'a/b'] + ($in[1] === null ? [] : ['version' => $in[1]]);
            return scan(['tags' => [$in[0]], 'branches' => [], 'root' => '', 'manifest' => $manifest]);
        case 'ref-branch':
            $manifest = ['name' => 'a/b', 'extra' => ['branch-alias' => $in[1]]];
            return scan(['tags' => [], 'branches' => [$in[0]], 'root' => $in[2] ? $in[0] : 'another', 'manifest' => $manifest]);
        case 'document':
            return dump_document(...$in);
        case 'funding':
            return read_funding($in[0]);
        case 'repository':
            return dump_repository($in);
        case 'minify':
            return MetadataMinifier::minify($in[0]);
        case 'expand':
            return MetadataMinifier::expand($in[0]);
    }
    throw new \LogicException("unknown op $op");
}

while (($line = fgets(STDIN)) !== false) {
    $query = json_decode($line, true, 512, JSON_THROW_ON_ERROR);
    try {
        $query['out'] = answer($query['op'], $query['in']);
    } catch (\LogicException $exception) {
        // Every refusal of Composer is a runtime exception; the constructor errors of its constraints are not.
        throw $exception;
    } catch (\RuntimeException $exception) {
        $query['out'] = null;
    }
    echo json_encode($query, JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_PRESERVE_ZERO_FRACTION), "\n";
}
