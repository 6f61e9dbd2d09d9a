namespace DiffusionQuant.Quantization.Recipes;

/// <summary>How long methods with reconstruction may work.</summary>
public enum Effort
{
    /// <summary>To try a method out: few samples and few gradient steps.</summary>
    Quick,

    /// <summary>What a build can wait for; most of what the paper's settings reach.</summary>
    Standard,

    /// <summary>The paper's own numbers of samples and steps.</summary>
    Thorough,
}
