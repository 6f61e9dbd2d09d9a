using System.Text.Json.Nodes;

namespace DiffusionQuant.Diffusion;

/// <summary>Reads what a <c>scheduler_config.json</c> says of the solver and of continuous paths, with its class's defaults.</summary>
internal static class SolverOptionsReader
{
    private static readonly Dictionary<string, SigmaSpacing> Spacings = new()
    {
        ["use_karras_sigmas"] = SigmaSpacing.Karras,
        ["use_exponential_sigmas"] = SigmaSpacing.Exponential,
        ["use_beta_sigmas"] = SigmaSpacing.Beta,
        ["use_lu_lambdas"] = SigmaSpacing.Lu,
    };

    private static readonly Dictionary<string, bool> LastSigmas = new() { ["zero"] = false, ["sigma_min"] = true };

    // Each class takes the words of others for its own usual one, as diffusers does.
    private static readonly Dictionary<string, (bool IsHeun, bool IsBh1)> Types = new()
    {
        ["midpoint"] = (false, false),
        ["heun"] = (true, false),
        ["bh1"] = (false, true),
        ["bh2"] = (false, false),
        ["logrho"] = (false, false),
    };

    private static readonly Dictionary<string, bool> Interpolations = new()
    {
        ["linear"] = false,
        ["log_linear"] = true,
    };

    private static readonly Dictionary<string, bool> TimestepTypes = new()
    {
        ["discrete"] = false,
        ["continuous"] = true,
    };

    private static readonly Dictionary<string, bool> TimeShifts = new() { ["exponential"] = true, ["linear"] = false };

    private static readonly Dictionary<string, bool> SigmaSchedules = new()
    {
        ["karras"] = false,
        ["exponential"] = true,
    };

    private static readonly Dictionary<string, (bool Clean, bool Stochastic)> Algorithms = new()
    {
        ["dpmsolver++"] = (true, false),
        ["dpmsolver"] = (false, false),
        ["sde-dpmsolver++"] = (true, true),
        ["sde-dpmsolver"] = (false, true),
    };

    public static NoisePathKind PathOf(JsonConfig json, string className) =>
        className.StartsWith("FlowMatch", StringComparison.Ordinal)
        || json.Flag("use_flow_sigmas", false)
        || json.Text("prediction_type", "") == "flow_prediction"
            ? NoisePathKind.Flow
        : className.StartsWith("EDM", StringComparison.Ordinal) || IsConsistency(className) ? NoisePathKind.Edm
        : NoisePathKind.Discrete;

    public static SolverOptions Solver(JsonConfig json, string className)
    {
        var isUniPc = className.StartsWith("UniPC", StringComparison.Ordinal);
        var isDeis = className.StartsWith("DEIS", StringComparison.Ordinal);
        var isContinuous = PathOf(json, className) == NoisePathKind.Edm;
        var isDpm = className.Contains("DPMSolver", StringComparison.Ordinal);
        var (clean, stochastic) = isDpm ? json.Choice("algorithm_type", (true, false), Algorithms) : (true, false);
        var (isHeun, isBh1) = json.Choice("solver_type", (false, false), Types);
        return new()
        {
            Order = json.Whole("solver_order", 2, 1, 3),
            IntegratesCleanSample = isUniPc ? json.Flag("predict_x0", true) : clean,
            IsStochastic = stochastic,
            IsHeun = isHeun,
            IsBh2 = !isBh1,
            DisabledCorrectors = json.Numbers("disable_corrector", n => n >= 0, "step numbers are expected")
                is { Length: > 0 } steps
                ? [.. steps.Select(n => (int)n)]
                : [],
            LowersOrderAtEnd = json.Flag(
                "lower_order_final",
                !className.Contains("Singlestep", StringComparison.Ordinal)
            ),
            EndsWithEuler = json.Flag("euler_at_final", false),
            // diffusers writes -Infinity where nothing is clipped.
            LeastLambda = json.Number("lambda_min_clipped", double.NegativeInfinity, _ => true, "a number is expected"),
            EndsAtLeastSigma = isDeis || json.Choice("final_sigmas_type", false, LastSigmas),
            Spacing = Spacings.FirstOrDefault(s => json.Flag(s.Key, false)).Value,
            LeastSigma = isContinuous ? null : Sigma(json, "sigma_min"),
            GreatestSigma = isContinuous ? null : Sigma(json, "sigma_max"),
            IsLogLinear = json.Choice("interpolation_type", false, Interpolations),
            TellsLogSigma =
                json.Choice("timestep_type", false, TimestepTypes)
                && json.Text("prediction_type", "") == "v_prediction",
            SkipsRungeKutta = json.Flag("skip_prk_steps", false),
            OriginalSteps = json.Whole("original_inference_steps", 50, 1, 1_000_000),
            TimestepScaling = json.Number("timestep_scaling", 10, n => n > 0, "a positive number is expected"),
        };
    }

    public static FlowOptions Flow(JsonConfig json, string className)
    {
        foreach (var key in new[] { "invert_sigmas", "stochastic_sampling" })
        {
            if (json.Flag(key, false))
            {
                throw DiffusionErrors.BadConfigValue(json.Name, key, "true", "only false is supported");
            }
        }

        const string Number = "a number above 0 is expected";
        var isMatch = className.StartsWith("FlowMatch", StringComparison.Ordinal);
        return new()
        {
            Shift = json.Number(isMatch ? "shift" : "flow_shift", 1, n => n > 0, Number),
            IsDynamic = json.Flag("use_dynamic_shifting", false),
            BaseShift = json.Number("base_shift", 0.5, n => n > 0, Number),
            MaximalShift = json.Number("max_shift", 1.15, n => n > 0, Number),
            BaseLength = json.Whole("base_image_seq_len", 256, 1, 1_000_000),
            MaximalLength = json.Whole("max_image_seq_len", 4096, 2, 1_000_000),
            IsExponential = json.Choice("time_shift_type", true, TimeShifts),
            Terminal = json.Has("shift_terminal")
                ? json.Number("shift_terminal", 0, n => n is >= 0 and < 1, "a number from 0 to 1 is expected")
                : null,
            IsOfVarianceSolver = !isMatch,
        };
    }

    public static EdmOptions Edm(JsonConfig json, string className)
    {
        static double Positive(JsonConfig json, string key, double fallback) =>
            json.Number(key, fallback, n => n > 0, "a number above 0 is expected");
        return new()
        {
            Min = Positive(json, "sigma_min", 0.002),
            Max = Positive(json, "sigma_max", 80),
            DataDeviation = Positive(json, "sigma_data", 0.5),
            Rho = Positive(json, "rho", 7),
            IsExponential = json.Choice("sigma_schedule", false, SigmaSchedules),
            IsConsistency = IsConsistency(className),
        };
    }

    private static bool IsConsistency(string className) =>
        className.StartsWith("CMStochasticIterative", StringComparison.Ordinal);

    private static double? Sigma(JsonConfig json, string key) =>
        json.Has(key) ? json.Number(key, 0, n => n > 0, "a number above 0 is expected") : null;

    /// <summary>Writes what the others read.</summary>
    public static void Write(JsonObject json, SchedulerConfig config)
    {
        var solver = config.Solver;
        json["solver_order"] = solver.Order;
        json["predict_x0"] = solver.IntegratesCleanSample;
        json["algorithm_type"] = Algorithms
            .Single(a => a.Value == (solver.IntegratesCleanSample, solver.IsStochastic))
            .Key;
        json["solver_type"] = Types.First(t => t.Value == (solver.IsHeun, !solver.IsBh2)).Key;
        json["disable_corrector"] = new JsonArray([.. solver.DisabledCorrectors.Select(c => JsonValue.Create(c))]);
        json["lower_order_final"] = solver.LowersOrderAtEnd;
        json["euler_at_final"] = solver.EndsWithEuler;
        json["lambda_min_clipped"] = double.IsFinite(solver.LeastLambda) ? solver.LeastLambda : null;
        json["final_sigmas_type"] = LastSigmas.Single(s => s.Value == solver.EndsAtLeastSigma).Key;
        foreach (var (key, spacing) in Spacings)
        {
            json[key] = solver.Spacing == spacing;
        }

        json["interpolation_type"] = Interpolations.Single(i => i.Value == solver.IsLogLinear).Key;
        json["timestep_type"] = TimestepTypes.Single(t => t.Value == solver.TellsLogSigma).Key;
        json["skip_prk_steps"] = solver.SkipsRungeKutta;
        json["original_inference_steps"] = solver.OriginalSteps;
        json["timestep_scaling"] = solver.TimestepScaling;
        if (config.Path == NoisePathKind.Edm)
        {
            json["sigma_min"] = config.Edm.Min;
            json["sigma_max"] = config.Edm.Max;
            json["sigma_data"] = config.Edm.DataDeviation;
            json["rho"] = config.Edm.Rho;
            json["sigma_schedule"] = SigmaSchedules.Single(s => s.Value == config.Edm.IsExponential).Key;
            return;
        }

        json["sigma_min"] = solver.LeastSigma;
        json["sigma_max"] = solver.GreatestSigma;
        if (config.Path == NoisePathKind.Flow)
        {
            var flow = config.Flow;
            json["use_flow_sigmas"] = flow.IsOfVarianceSolver;
            json[flow.IsOfVarianceSolver ? "flow_shift" : "shift"] = flow.Shift;
            json["use_dynamic_shifting"] = flow.IsDynamic;
            json["base_shift"] = flow.BaseShift;
            json["max_shift"] = flow.MaximalShift;
            json["base_image_seq_len"] = flow.BaseLength;
            json["max_image_seq_len"] = flow.MaximalLength;
            json["time_shift_type"] = TimeShifts.Single(s => s.Value == flow.IsExponential).Key;
            json["shift_terminal"] = flow.Terminal;
        }
    }
}
