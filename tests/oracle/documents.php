<?php

/*
 * What Composer makes of whole manifests: one at a time for semver.php, and those of git repositories for repositories.php.
 */

declare(strict_types=1);

use Composer\Config;
use Composer\IO\NullIO;
use Composer\Package\AliasPackage;
use Composer\Package\BasePackage;
use Composer\Package\Dumper\ArrayDumper;
use Composer\Package\Loader\ArrayLoader;
use Composer\Repository\InvalidRepositoryException;
use Composer\Repository\Vcs\VcsDriver;
use Composer\Repository\VcsRepository;
use Composer\Util\HttpDownloader;

/** The commit that is asked about; all else is the repository's root. */
const COMMIT = 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00';

/** Composer ends with a type error where a key has a value of the wrong kind; one version is to fail alone here. */
final class ForgivingLoader extends ArrayLoader
{
    public function load(array $config, string $class = 'Composer\Package\CompletePackage'): BasePackage
    {
        try {
            return parent::load($config, $class);
        } catch (\TypeError $error) {
            throw new \UnexpectedValueException($error->getMessage(), 0, $error);
        }
    }
}

/** A git host with one tag or one branch, whose composer.json is a text. */
final class TextDriver extends VcsDriver
{
    /** @var array{text: string, tags: array<string, string>, branches: array<string, string>, root: string} */
    public static array $host;

    public function initialize(): void {}
    public function getFileContent(string $file, string $identifier): ?string { return $identifier === COMMIT ? self::$host['text'] : '{"name":"acme/lib"}'; }
    public function getChangeDate(string $identifier): ?\DateTimeImmutable { return new \DateTimeImmutable('2026-11-01T12:00:00Z'); }
    public function getRootIdentifier(): string { return self::$host['root']; }
    public function getBranches(): array { return self::$host['branches']; }
    public function getTags(): array { return self::$host['tags']; }
    public function getDist(string $identifier): ?array { return null; }
    public function getSource(string $identifier): array { return ['type' => 'git', 'url' => 'https://example.org/a.git', 'reference' => $identifier]; }
    public function getUrl(): string { return 'https://example.org/a.git'; }
    public static function supports(\Composer\IO\IOInterface $io, Config $config, string $url, bool $deep = false): bool { return true; }
}

/**
 * All versions of a repository, by their normalized version, dumped.
 *
 * @param array<string, class-string>|null $drivers
 * @return array<string, array<string, mixed>>
 */
function dump_versions(string $url, ?array $drivers): array
{
    $io = new NullIO();
    $config = new Config(false);
    $config->merge(['config' => ['cache-dir' => '/dev/null', 'cache-repo-dir' => '/dev/null', 'cache-vcs-dir' => '/dev/null']]);
    $repository = new VcsRepository(['url' => $url, 'type' => 'vcs'], $io, $config, new HttpDownloader($io, $config), null, null, $drivers);
    $repository->setLoader(new ForgivingLoader());
    // Composer turns warnings of PHP into exceptions.
    set_error_handler(static function (int $level, string $message): bool {
        if ($level & (E_DEPRECATED | E_USER_DEPRECATED)) {
            return true;
        }
        throw new \ErrorException($message);
    });
    try {
        $packages = $repository->getPackages();
    } catch (InvalidRepositoryException $exception) {
        return [];
    } finally {
        restore_error_handler();
    }
    $dumper = new ArrayDumper();
    $versions = [];
    foreach ($packages as $package) {
        if (!$package instanceof AliasPackage) {
            $versions[$package->getVersion()] = $dumper->dump($package);
        }
    }
    ksort($versions, SORT_STRING);

    return $versions;
}

/** One version of a manifest: `ref` is a tag or a branch, which may be the default one. */
function dump_document(string $text, string $ref, string $kind): ?array
{
    $refs = [$ref => COMMIT];
    TextDriver::$host = [
        'text' => $text,
        'tags' => $kind === 'tag' ? $refs : [],
        'branches' => $kind === 'tag' ? [] : $refs,
        'root' => $kind === 'default' ? $ref : 'elsewhere',
    ];
    try {
        $versions = dump_versions('https://example.org/a.git', ['text' => TextDriver::class]);
    } catch (\TypeError $error) {
        return null;
    }

    return array_values($versions)[0] ?? null;
}

/**
 * All versions of the last state of a git repository, by their normalized version: a real repository is made and read.
 *
 * @param list<array{default: string, refs: list<array{name: string, text?: ?string, same?: string}>}> $states
 */
function dump_repository(array $states): array
{
    $state = $states[count($states) - 1];
    $folder = sys_get_temp_dir() . '/oracle-' . bin2hex(random_bytes(8));
    $stream = '';
    $marks = [];
    foreach ($state['refs'] as $number => $ref) {
        if (isset($ref['same'])) {
            continue;
        }
        $marks[$ref['name']] = $number + 1;
        $text = $ref['text'];
        $file = $text === null ? "M 100644 inline none\ndata 0\n\n" : "M 100644 inline composer.json\ndata " . strlen($text) . "\n$text\n";
        $stream .= "commit refs/made/$number\nmark :" . ($number + 1) . "\nauthor A <a@example.org> 1793534400 +0000\ncommitter A <a@example.org> 1793534400 +0000\n"
            . 'data ' . strlen($ref['name']) . "\n{$ref['name']}\n$file\n";
    }
    foreach ($state['refs'] as $number => $ref) {
        $mark = $marks[$ref['same'] ?? $ref['name']];
        // Every third tag is an annotated one.
        if ($number % 3 === 0 && str_starts_with($ref['name'], 'refs/tags/')) {
            $stream .= 'tag ' . substr($ref['name'], 10) . "\nfrom :$mark\ntagger A <a@example.org> 1793534400 +0000\ndata 1\nx\n";
        } else {
            $stream .= "reset {$ref['name']}\nfrom :$mark\n\n";
        }
    }
    $run = static function (array $command, string $input = '') use ($folder): void {
        $process = proc_open($command, [['pipe', 'r'], ['file', '/dev/null', 'w'], ['file', "$folder.err", 'w']], $pipes, null, getenv());
        fwrite($pipes[0], $input);
        fclose($pipes[0]);
        if (proc_close($process) !== 0) {
            throw new \LogicException(implode(' ', $command) . ': ' . file_get_contents("$folder.err") . $input);
        }
    };
    try {
        $run(['git', 'init', '--quiet', '--initial-branch', $state['default'], $folder]);
        $run(['git', '-C', $folder, 'fast-import', '--quiet', '--force'], $stream);

        return dump_versions($folder, ['git' => \Composer\Repository\Vcs\GitDriver::class]);
    } finally {
        (new \Symfony\Component\Filesystem\Filesystem())->remove([$folder, "$folder.err"]);
    }
}

/**
 * What Composer's driver for GitHub reads out of a FUNDING.yml.
 *
 * @return list<array{type: string, url: string}>
 */
function read_funding(string $text): array
{
    $io = new NullIO();
    $config = new Config(false);
    $downloader = new class($io, $config) extends HttpDownloader {
        public string $body = '';

        public function get($url, $options = []): \Composer\Util\Http\Response
        {
            return new \Composer\Util\Http\Response(['url' => $url], 200, [], $this->body);
        }
    };
    $downloader->body = json_encode(['encoding' => 'base64', 'content' => base64_encode($text)]);
    $driver = new \Composer\Repository\Vcs\GitHubDriver(['url' => 'https://github.com/acme/lib'], $io, $config, $downloader, new \Composer\Util\ProcessExecutor($io));
    (new \ReflectionProperty(\Composer\Repository\Vcs\VcsDriver::class, 'originUrl'))->setValue($driver, 'github.com');
    foreach (['owner' => 'acme', 'repository' => 'lib'] as $name => $value) {
        (new \ReflectionProperty(\Composer\Repository\Vcs\GitHubDriver::class, $name))->setValue($driver, $value);
    }
    $found = (new \ReflectionMethod($driver, 'getFundingInfo'))->invoke($driver);

    return $found === false ? [] : array_values($found);
}
