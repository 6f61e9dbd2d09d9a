namespace DiffusionQuant.Diffusion;

/// <summary>
/// A solver that can be chosen: the one table that the command line, recipes, builds and <c>scheduler_config.json</c> read.
/// </summary>
public sealed class SolverKind
{
    private readonly Func<NoisePath, SamplerSettings, Solver> make;

    internal SolverKind(string name, IReadOnlyList<string> classNames, Func<NoisePath, SamplerSettings, Solver> make) =>
        (Name, ClassNames, this.make) = (name, classNames, make);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<SolverKind> All => Table.Kinds;

    /// <summary>Its word: <c>euler-ancestral</c>.</summary>
    public string Name { get; }

    /// <summary>The classes of diffusers that it stands for.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>Steps where nobody says how many.</summary>
    internal int UsualSteps { get; init; } = SamplerSettings.UsualSteps;

    /// <summary>Whether it visits every trained timestep where nobody says how many.</summary>
    internal bool TakesAllTimesteps { get; init; }

    /// <summary>Whether <see cref="SamplerSettings.Eta"/> means something to it.</summary>
    public bool TakesEta { get; internal init; }

    /// <summary>Whether it is for models that were distilled to few steps.</summary>
    internal bool IsDistilled => UsualSteps < SamplerSettings.UsualSteps;

    /// <summary>Which paths it can go along.</summary>
    internal Predicate<NoisePath> Fits { get; init; } = static path => !path.Config.Edm.IsConsistency;

    /// <summary>Lays it out on a path that it <see cref="Fits"/>.</summary>
    internal Solver Make(NoisePath path, SamplerSettings settings) => make(path, settings);

    /// <summary>The solver of that word; null where there is none.</summary>
    public static SolverKind? Find(string name) => All.FirstOrDefault(k => k.Name == name);

    /// <summary>The solver of a class of diffusers; null where there is none.</summary>
    public static SolverKind? OfClass(string className) =>
        All.FirstOrDefault(k => k.ClassNames.Contains(className, StringComparer.Ordinal));

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>By itself, so that a solver's class may be touched before it.</summary>
    private static class Table
    {
        public static readonly SolverKind[] Kinds =
        [
            DdimSolver.Kind,
            DdpmSolver.Kind,
            PndmSolver.Kind,
            EulerSolver.Kind,
            EulerSolver.AncestralKind,
            HeunSolver.Kind,
            LmsSolver.Kind,
            Kdpm2Solver.Kind,
            Kdpm2Solver.AncestralKind,
            DpmMultistepSolver.Kind,
            DpmSinglestepSolver.Kind,
            UniPcSolver.Kind,
            DeisSolver.Kind,
            LcmSolver.Kind,
            TcdSolver.Kind,
            ConsistencySolver.Kind,
        ];
    }
}
